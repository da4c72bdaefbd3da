#include "bus/xmpp/pace.hpp"
