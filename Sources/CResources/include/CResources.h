#pragma once

#include <stddef.h>

/// A file that is part of the program.
struct resource {
    const unsigned char *bytes;
    size_t byte_count;
};

/// The HTTP contract, OpenAPI 3.1.
struct resource resource_openapi(void);
