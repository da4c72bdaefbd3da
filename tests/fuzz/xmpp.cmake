# Fuzz targets of what comes over XMPP; see CMakeLists.txt.
