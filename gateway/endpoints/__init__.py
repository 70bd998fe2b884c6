"""Peers behind one seam: memory, local, SFTP, FTP and FTPS; what wraps and pools them."""
