"""The shape of a packet with a channel's data, or its window's growth, under AES-GCM.

RFC 4253 §6, RFC 4254 §5.2, RFC 5647.
"""

import struct

ADJUST = 93  # SSH_MSG_CHANNEL_WINDOW_ADJUST
DATA = 94  # SSH_MSG_CHANNEL_DATA
TAG_BYTES = 16
LENGTH = struct.Struct(">I")
HEAD = struct.Struct(">BBII")  # padding, kind, channel, length of the data or what the window grows by
