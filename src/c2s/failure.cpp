#include "c2s/failure.hpp"
