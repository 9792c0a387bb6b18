#pragma once

#include "convolution.h"
#include "elementwise.h"
#include "gradients.h"
#include "instruction_set.h"
#include "linear.h"
#include "normalization.h"
#include "optimizers.h"
#include "panels.h"
#include "pooling.h"
#include "resize.h"
#include "winograd.h"
