#pragma once

// Whether threads can be had is asked in startup.c before any library is initialised; nothing is to be called.
