"""Our own SFTP requests on an asyncssh channel: many under way at once, many in one packet."""
