#include "wire/xml/element.hpp"
