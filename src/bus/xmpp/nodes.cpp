#include "bus/xmpp/nodes.hpp"
