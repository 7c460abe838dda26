#include "callwarden/clock.h"
