#include "bus/xmpp/roster.hpp"
