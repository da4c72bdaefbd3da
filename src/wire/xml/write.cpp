#include "wire/xml/write.hpp"
