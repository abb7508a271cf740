"""What an operator watches: log lines, metrics, health. See README.md."""
