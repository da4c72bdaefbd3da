#include "wire/pubsub/event.hpp"
