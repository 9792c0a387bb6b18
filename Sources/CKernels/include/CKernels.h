#pragma once

#include "convolution.h"
#include "elementwise.h"
#include "normalization.h"
#include "pooling.h"
#include "resize.h"
