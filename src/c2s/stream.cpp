#include "c2s/stream.hpp"
