# SPDX-License-Identifier: Apache-2.0
"""Data sets, augmentation, the training loop and evaluation. No ROS, no camera; a user who only predicts never imports this."""
