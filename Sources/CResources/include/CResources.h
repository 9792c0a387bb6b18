#pragma once

#include <stddef.h>

/// A file that is part of the program.
struct resource {
    const char *name;
    const char *media_type;
    const unsigned char *bytes;
    size_t byte_count;
};

/// The HTTP contract, OpenAPI 3.1.
struct resource resource_openapi(void);

/// How many files the page has.
size_t resource_page_count(void);

/// A file of the page, by its number below ``resource_page_count``.
struct resource resource_page(size_t index);
