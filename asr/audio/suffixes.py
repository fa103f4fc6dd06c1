"""The names of audio files: what libsndfile and FFmpeg read, by suffix.

A test asks both libraries whether a suffix of theirs is left out.
"""

#: Suffixes of audio and video files that need PyAV.
MEDIA_SUFFIXES = {
    ".3g2", ".3gp", ".aac", ".ac3", ".adts", ".amr", ".ape", ".apl", ".asf", ".avi", ".awb",
    ".dff", ".dif", ".dsf", ".dts", ".dtshd", ".dv", ".eac3", ".ec3", ".f4a", ".f4b", ".f4v",
    ".flv", ".ism", ".isma", ".ismv", ".latm", ".loas", ".m2t", ".m2ts", ".m4a", ".m4b", ".m4r",
    ".m4v", ".mac", ".mj2", ".mk3d", ".mka", ".mkv", ".mod", ".mov", ".mp4", ".mpc", ".mpeg",
    ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".ogx", ".psp", ".qt", ".ra", ".rm", ".shn", ".spx",
    ".tak", ".thd", ".tod", ".ts", ".tta", ".vob", ".weba", ".webm", ".wma", ".wmv", ".wv",
}  # fmt: skip
#: Suffixes of all audio files.
AUDIO_SUFFIXES = MEDIA_SUFFIXES | {
    ".afc", ".aif", ".aifc", ".aiff", ".au", ".avr", ".bwf", ".caf", ".flac", ".htk", ".ircam",
    ".m2a", ".mp1", ".mp2", ".mp3", ".mpa", ".mpga", ".nist", ".oga", ".ogg", ".opus", ".paf",
    ".pvf", ".rf64", ".sd2", ".sds", ".sf", ".snd", ".sph", ".svx", ".voc", ".w64", ".wav",
    ".wave", ".wve", ".xi",
}  # fmt: skip
