"""Files that arrive or are read. It opens no socket; a file may be sent to one."""
