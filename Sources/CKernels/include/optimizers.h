#pragma once

#include <stdbool.h>
#include <stddef.h>

// One pass each over parameters, their gradients and what the optimiser keeps a parameter. The scalars are worked out in
// double by the caller. Gradients are multiplied by `gradient_scale` (for clipping) and stay as they are.

/// `d = gradient + weight_decay · value; value -= rate · d`
void kernel_sgd(float *values, const float *gradients, ptrdiff_t count, float gradient_scale, float weight_decay,
                float rate);

/// `velocity = momentum · velocity + d; value -= rate · (nesterov ? d + momentum · velocity : velocity)`, d as in kernel_sgd.
void kernel_momentum(float *values, const float *gradients, float *velocities, ptrdiff_t count, float gradient_scale,
                     float weight_decay, float rate, float momentum, bool nesterov);

/// `sum += d²; value -= rate · d / (√sum + epsilon)`, d as in kernel_sgd.
void kernel_adagrad(float *values, const float *gradients, float *sums, ptrdiff_t count, float gradient_scale,
                    float weight_decay, float rate, float epsilon);

/// What Adam's formulae need beside the numbers themselves.
typedef struct {
    float gradient_scale;
    /// Added to the gradient, times the value: Adam's.
    float weight_decay;
    /// Multiplies the value first: AdamW's 1 − rate · decay, Adam's 1.
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

/// `first += (d − first) · first_weight; second = second_decay · second + second_weight · d²;
/// value = shrinkage · value − rate · first / (√second · root_correction + epsilon)`, d as in kernel_sgd.
void kernel_adam(float *values, const float *gradients, float *first, float *second, ptrdiff_t count,
                 const kernel_adam_factors *factors);

/// `average += (value − average) · weight`
void kernel_moving_average(float *averages, const float *values, ptrdiff_t count, float weight);

/// The sum of the squares, in double and in an order that depends on nothing but the count.
void kernel_sum_of_squares(const float *values, ptrdiff_t count, double *sum);
