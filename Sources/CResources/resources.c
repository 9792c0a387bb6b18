#include "CResources.h"

// Embedded by the C compiler, which takes a file as it is. In Swift it would be an array literal, which takes the optimiser
// 20 s.
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char openapi[] = {
#embed "openapi.json"
};

struct resource resource_openapi(void) { return (struct resource){openapi, sizeof openapi}; }
