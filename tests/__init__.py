"""The test suite. Run it with: python3 -m tests [-v] [PATTERN...]"""
