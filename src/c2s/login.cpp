#include "c2s/login.hpp"
