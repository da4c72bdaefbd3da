#include "wire/xml/stream_parser.hpp"
