#include "c2s/sasl.hpp"
