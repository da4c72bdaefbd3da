#include "bus/xmpp/asterisk_votes.hpp"
