# Fuzz targets of what comes over XMPP; see CMakeLists.txt.
lamplight_fuzz(fuzz_wire_xml SOURCES fuzz_wire_xml.cpp LINK lamplight_xml)
lamplight_fuzz(fuzz_conf_jabber SOURCES fuzz_conf_jabber.cpp LINK lamplight_conf lamplight_login)
lamplight_fuzz(fuzz_wire_pubsub SOURCES fuzz_wire_pubsub.cpp LINK lamplight_pubsub)
lamplight_fuzz(fuzz_bus_asterisk_votes SOURCES fuzz_bus_asterisk_votes.cpp LINK lamplight_xmpp_talk)
lamplight_fuzz(fuzz_bus_roster SOURCES fuzz_bus_roster.cpp LINK lamplight_xmpp_talk)
lamplight_fuzz(fuzz_bus_nodes SOURCES fuzz_bus_nodes.cpp LINK lamplight_xmpp_talk)
lamplight_fuzz(fuzz_c2s_texts SOURCES fuzz_c2s_texts.cpp LINK lamplight_c2s)
