# SPDX-License-Identifier: Apache-2.0
"""The ``plcv`` command: one module a subcommand. Nothing is computed here; a subcommand calls the rooms."""
