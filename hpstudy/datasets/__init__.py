"""Where images come from: sources, checksums, splits, augmentation; images as uint8 tensors in memory."""
