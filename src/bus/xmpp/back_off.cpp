#include "bus/xmpp/back_off.hpp"
