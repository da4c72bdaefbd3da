#include "wire/pubsub/request.hpp"
