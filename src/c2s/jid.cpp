#include "c2s/jid.hpp"
