#include "wire/pubsub/payload.hpp"
