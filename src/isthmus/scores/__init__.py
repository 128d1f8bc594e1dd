"""What an anomaly score is made of: views of rows, residuals, neighbours and tails, each a torch module over buffers."""
