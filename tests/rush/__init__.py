"""Many customers at once, on partitions that refuse what exceeds their capacity."""
