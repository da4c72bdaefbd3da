#include "bus/xmpp/lamplights.hpp"
