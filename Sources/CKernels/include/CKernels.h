#pragma once

// The vectorised inner loops of layers, gradients, optimisers and image resizing. Most are compiled for
// several instruction sets, and the widest one that the CPU has is chosen at run time.

#include "byte_products.h"
#include "convolution.h"
#include "elementwise.h"
#include "gradients.h"
#include "instruction_set.h"
#include "int16_products.h"
#include "integer_winograd.h"
#include "linear.h"
#include "machine_speed.h"
#include "normalization.h"
#include "optimizers.h"
#include "panels.h"
#include "pooling.h"
#include "resize.h"
#include "winograd.h"
