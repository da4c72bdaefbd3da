# Fuzz targets of what comes over XMPP; see CMakeLists.txt.
lamplight_fuzz(fuzz_wire_xml SOURCES fuzz_wire_xml.cpp LINK lamplight_xml)
