"""What browsers get over HTTP. Loaded with the first HTTP byte, never at the start."""
