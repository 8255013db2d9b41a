# SPDX-License-Identifier: Apache-2.0
"""Emulated links between two computers, for benchmarks and tests."""
