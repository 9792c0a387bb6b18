#pragma once

#include <stdbool.h>
#include <stddef.h>

// Optimiser steps. Each is one pass over the parameters, their gradients and the optimiser's state. The caller computes
// the scalar factors in double. Gradients are multiplied by `gradient_scale` (for clipping) as they are read; the
// arrays are not modified.

/// Gradient descent: `d = gradient + weight_decay · value; value -= rate · d`
void kernel_sgd(float *values, const float *gradients, ptrdiff_t count, float gradient_scale, float weight_decay,
                float rate);

/// Gradient descent with momentum:
/// `velocity = momentum · velocity + d; value -= rate · (nesterov ? d + momentum · velocity : velocity)`, d as in
/// kernel_sgd.
void kernel_momentum(float *values, const float *gradients, float *velocities, ptrdiff_t count, float gradient_scale,
                     float weight_decay, float rate, float momentum, bool nesterov);

/// AdaGrad: `sum += d²; value -= rate · d / (√sum + epsilon)`, d as in kernel_sgd.
void kernel_adagrad(float *values, const float *gradients, float *sums, ptrdiff_t count, float gradient_scale,
                    float weight_decay, float rate, float epsilon);

/// Scalar factors of one step of Adam or AdamW.
typedef struct {
    float gradient_scale;
    /// Adam's weight decay: `weight_decay · value` is added to the gradient.
    float weight_decay;
    /// AdamW's decoupled weight decay: the value is first multiplied by this factor, 1 − rate · decay. It is 1 for
    /// Adam.
    float shrinkage;
    /// 1 − β₁
    float first_weight;
    /// β₂
    float second_decay;
    /// 1 − β₂
    float second_weight;
    /// 1 / √(1 − β₂ᵗ)
    float root_correction;
    float epsilon;
    /// rate / (1 − β₁ᵗ)
    float rate;
} kernel_adam_factors;

/// Adam or AdamW: `first += (d − first) · first_weight; second = second_decay · second + second_weight · d²`, then
/// `value = shrinkage · value − rate · first / (√second · root_correction + epsilon)`, d as in kernel_sgd.
void kernel_adam(float *values, const float *gradients, float *first, float *second, ptrdiff_t count,
                 const kernel_adam_factors *factors);

/// Exponential moving average: `average += (value − average) · weight`
void kernel_moving_average(float *averages, const float *values, ptrdiff_t count, float weight);

/// The sum of squares, computed in double. The order of summation depends only on `count`, so the result is
/// reproducible.
void kernel_sum_of_squares(const float *values, ptrdiff_t count, double *sum);
