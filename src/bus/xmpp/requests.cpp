#include "bus/xmpp/requests.hpp"
