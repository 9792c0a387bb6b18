#pragma once

// startup.c checks, before any library is initialised, that threads can be started. There is nothing to call.
