#include "check.h"

// Steps of optimisers, and what backward passes do element by element; local response normalisation.

static float *modests(context *c, ptrdiff_t count) {
    float *values = floats(c, count);
    for (ptrdiff_t i = 0; i < count; i++) values[i] = modest(c);
    return values;
}

/// Values that are not negative, as sums of squares are.
static float *squares(context *c, ptrdiff_t count) {
    float *values = modests(c, count);
    for (ptrdiff_t i = 0; i < count; i++) values[i] *= values[i];
    return values;
}

static float fraction(context *c) { return (float)between(c, 0, 1000) / 1000; }

enum { roundings = 8 };

/// Compares values with an expectation whose terms have these magnitudes.
static void compare(context *c, const float *found, const double *expected, const double *magnitudes, ptrdiff_t count) {
    double *bounds = plain(c, sizeof(double) * (size_t)(count + 1));
    for (ptrdiff_t i = 0; i < count; i++) bounds[i] = roundings * 0x1p-24 * magnitudes[i] + 1e-37;
    near(c, found, expected, bounds, count);
}

typedef struct {
    double *values, *states, *value_terms, *state_terms;
} expectation;

static expectation expect(context *c, ptrdiff_t count) {
    const size_t byte_count = sizeof(double) * (size_t)(count + 1);
    return (expectation){plain(c, byte_count), plain(c, byte_count), plain(c, byte_count), plain(c, byte_count)};
}

static void sgd(context *c) {
    const ptrdiff_t count = between(c, 0, 150);
    const float scale = fraction(c), decay = fraction(c), rate = fraction(c);
    about(c, "%td values", count);
    float *values = modests(c, count), *gradients = modests(c, count);
    const expectation e = expect(c, count);
    for (ptrdiff_t i = 0; i < count; i++) {
        const double d = (double)gradients[i] * (double)scale, w = (double)decay * (double)values[i];
        e.values[i] = (double)values[i] - (double)rate * (d + w);
        e.value_terms[i] = fabs((double)values[i]) + (double)rate * (fabs(d) + fabs(w));
    }
    CALL(c, kernel_sgd(values, gradients, count, scale, decay, rate));
    if (!c->is_timing) compare(c, values, e.values, e.value_terms, count);
}

static void momentum(context *c) {
    const ptrdiff_t count = between(c, 0, 150);
    const float scale = fraction(c), decay = fraction(c), rate = fraction(c), kept = fraction(c);
    const bool is_nesterov = next_random(c) & 1;
    about(c, "%td values, nesterov %d", count, is_nesterov);
    float *values = modests(c, count), *gradients = modests(c, count), *velocities = modests(c, count);
    const expectation e = expect(c, count);
    for (ptrdiff_t i = 0; i < count; i++) {
        const double d = (double)gradients[i] * (double)scale + (double)decay * (double)values[i];
        const double terms = fabs((double)gradients[i] * (double)scale) + fabs((double)decay * (double)values[i]);
        e.states[i] = (double)kept * (double)velocities[i] + d;
        e.state_terms[i] = fabs((double)kept * (double)velocities[i]) + terms;
        const double step = is_nesterov ? d + (double)kept * e.states[i] : e.states[i];
        e.values[i] = (double)values[i] - (double)rate * step;
        e.value_terms[i] = fabs((double)values[i]) + (double)rate * (terms + e.state_terms[i]);
    }
    CALL(c, kernel_momentum(values, gradients, velocities, count, scale, decay, rate, kept, is_nesterov));
    if (c->is_timing) return;
    compare(c, velocities, e.states, e.state_terms, count);
    compare(c, values, e.values, e.value_terms, count);
}

static void adagrad(context *c) {
    const ptrdiff_t count = between(c, 0, 150);
    const float scale = fraction(c), decay = fraction(c), rate = fraction(c), epsilon = 1e-3f;
    about(c, "%td values", count);
    float *values = modests(c, count), *gradients = modests(c, count), *sums = squares(c, count);
    const expectation e = expect(c, count);
    for (ptrdiff_t i = 0; i < count; i++) {
        const double d = (double)gradients[i] * (double)scale + (double)decay * (double)values[i];
        const double terms = fabs((double)gradients[i] * (double)scale) + fabs((double)decay * (double)values[i]);
        e.states[i] = (double)sums[i] + d * d;
        e.state_terms[i] = (double)sums[i] + terms * terms;
        const double root = sqrt(e.states[i]) + (double)epsilon;
        e.values[i] = (double)values[i] - (double)rate * d / root;
        // The root of a sum that cancels is as uncertain as the root of its terms.
        e.value_terms[i] = fabs((double)values[i]) + (double)rate * terms / root * (1 + e.state_terms[i] / (e.states[i] + 1e-6));
    }
    CALL(c, kernel_adagrad(values, gradients, sums, count, scale, decay, rate, epsilon));
    if (c->is_timing) return;
    compare(c, sums, e.states, e.state_terms, count);
    compare(c, values, e.values, e.value_terms, count);
}

static void adam(context *c) {
    const ptrdiff_t count = between(c, 0, 150);
    const kernel_adam_factors f = {fraction(c), fraction(c), fraction(c), 0.1f, 0.999f, 0.001f, 1 + fraction(c), 1e-3f, fraction(c)};
    about(c, "%td values", count);
    float *values = modests(c, count), *gradients = modests(c, count), *first = modests(c, count), *second = squares(c, count);
    const expectation e = expect(c, count);
    double *firsts = plain(c, sizeof(double) * (size_t)(count + 1)), *terms_of_firsts = plain(c, sizeof(double) * (size_t)(count + 1));
    for (ptrdiff_t i = 0; i < count; i++) {
        const double d = (double)gradients[i] * (double)f.gradient_scale + (double)f.weight_decay * (double)values[i];
        const double terms = fabs((double)gradients[i] * (double)f.gradient_scale) + fabs((double)f.weight_decay * (double)values[i]);
        firsts[i] = (double)first[i] + (d - (double)first[i]) * (double)f.first_weight;
        terms_of_firsts[i] = fabs((double)first[i]) + (terms + fabs((double)first[i])) * (double)f.first_weight;
        e.states[i] = (double)f.second_decay * (double)second[i] + (double)f.second_weight * d * d;
        e.state_terms[i] = (double)f.second_decay * (double)second[i] + (double)f.second_weight * terms * terms;
        const double root = sqrt(e.states[i]) * (double)f.root_correction + (double)f.epsilon;
        e.values[i] = (double)f.shrinkage * (double)values[i] - (double)f.rate * firsts[i] / root;
        e.value_terms[i] = fabs((double)f.shrinkage * (double)values[i])
            + (double)f.rate * terms_of_firsts[i] / root * (1 + e.state_terms[i] / (e.states[i] + 1e-6));
    }
    CALL(c, kernel_adam(values, gradients, first, second, count, &f));
    if (c->is_timing) return;
    compare(c, first, firsts, terms_of_firsts, count);
    compare(c, second, e.states, e.state_terms, count);
    compare(c, values, e.values, e.value_terms, count);
}

static void moving_average(context *c) {
    const ptrdiff_t count = between(c, 0, 150);
    const float weight = fraction(c);
    about(c, "%td values", count);
    float *averages = modests(c, count), *values = modests(c, count);
    const expectation e = expect(c, count);
    for (ptrdiff_t i = 0; i < count; i++) {
        e.values[i] = (double)averages[i] + ((double)values[i] - (double)averages[i]) * (double)weight;
        e.value_terms[i] = 2 * fabs((double)averages[i]) + fabs((double)values[i]);
    }
    CALL(c, kernel_moving_average(averages, values, count, weight));
    if (!c->is_timing) compare(c, averages, e.values, e.value_terms, count);
}

static void sum_of_squares(context *c) {
    const ptrdiff_t count = between(c, 0, 300);
    about(c, "%td values", count);
    float *values = modests(c, count);
    double *sum = guarded(c, sizeof(double), sizeof(double)), expected = 0;
    for (ptrdiff_t i = 0; i < count; i++) expected += (double)values[i] * (double)values[i];
    CALL(c, kernel_sum_of_squares(values, count, sum));
    const float difference = (float)(*sum - expected);
    const double zero = 0, bound = 1e-12 * expected + 1e-37;
    near(c, &difference, &zero, &bound, 1);
}

static void relu_gradient(context *c) {
    const ptrdiff_t count = between(c, 0, 200);
    about(c, "%td values", count);
    float *output = floats(c, count), *gradient = floats(c, count), *expected = plain(c, sizeof(float) * (size_t)(count + 1));
    for (ptrdiff_t i = 0; i < count; i++) expected[i] = output[i] > 0 ? gradient[i] : 0;
    CALL(c, kernel_relu_gradient(output, gradient, count));
    same_floats(c, gradient, expected, count);
}

static void add(context *c) {
    const ptrdiff_t count = between(c, 0, 200);
    about(c, "%td values", count);
    float *addends = floats(c, count), *values = floats(c, count), *expected = plain(c, sizeof(float) * (size_t)(count + 1));
    for (ptrdiff_t i = 0; i < count; i++) expected[i] = values[i] + addends[i];
    CALL(c, kernel_add(addends, values, count));
    if (!c->is_timing) same_floats(c, values, expected, count);
}

static void sum_rows(context *c) {
    const ptrdiff_t rows = between(c, 0, 20), columns = between(c, 1, 90), stride = columns + between(c, 0, 5);
    about(c, "%td rows of %td, %td apart", rows, columns, stride);
    float *values = modests(c, rows == 0 ? 0 : (rows - 1) * stride + columns), *sums = modests(c, columns);
    double *expected = plain(c, sizeof(double) * (size_t)columns), *bounds = plain(c, sizeof(double) * (size_t)columns);
    for (ptrdiff_t i = 0; i < columns; i++) {
        expected[i] = (double)sums[i];
        double terms = fabs(expected[i]);
        for (ptrdiff_t row = 0; row < rows; row++) {
            expected[i] += (double)values[row * stride + i];
            terms += fabs((double)values[row * stride + i]);
        }
        bounds[i] = (double)(rows + 2) * 0x1p-24 * terms;
    }
    CALL(c, kernel_sum_rows(values, rows, columns, stride, sums));
    if (!c->is_timing) near(c, sums, expected, bounds, columns);
}

static void dropout(context *c) {
    const ptrdiff_t count = between(c, 0, 300), first = between(c, 0, 1000);
    const uint64_t seed = next_random(c);
    const uint32_t threshold = c->flavour == extreme ? 0 : (uint32_t)next_random(c);
    const float scale = 2;
    about(c, "%td values from %td", count, first);
    float *values = modests(c, count), *before = plain(c, sizeof(float) * (size_t)(count + 1));
    memcpy(before, values, sizeof(float) * (size_t)count);
    float *alone = guarded_copy(c, values, sizeof(float) * (size_t)count, sizeof(float));
    CALL(c, kernel_dropout(values, first, count, seed, threshold, scale));
    if (c->is_timing) return;
    // One by one gives the same mask: it depends on the seed and the index only.
    for (ptrdiff_t i = 0; i < count; i++) kernel_dropout(alone + i, first + i, 1, seed, threshold, scale);
    same_floats(c, values, alone, count);
    float *expected = plain(c, sizeof(float) * (size_t)(count + 1));
    for (ptrdiff_t i = 0; i < count; i++) expected[i] = values[i] == 0 && threshold > 0 ? 0 : scale * before[i];
    same_floats(c, values, expected, count);
}

static void local_response_norm(context *c) {
    const ptrdiff_t channels = between(c, 1, 70), pixels = between(c, 1, 4), size = between(c, 1, 7);
    const float alpha = fraction(c) / 10, beta = next_random(c) & 1 ? 0.75f : fraction(c), k = 1 + fraction(c);
    about(c, "%td pixels of %td channels, size %td, beta %g", pixels, channels, size, (double)beta);
    const ptrdiff_t count = channels * pixels;
    float *input = modests(c, count), *output = outputs(c, count), *scratch = outputs(c, 2 * channels + size);
    double *expected = plain(c, sizeof(double) * (size_t)count), *bounds = plain(c, sizeof(double) * (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) {
        double sum = 0;
        for (ptrdiff_t j = i % channels - size / 2; j < i % channels - size / 2 + size; j++) {
            if (j >= 0 && j < channels) sum += (double)input[i - i % channels + j] * (double)input[i - i % channels + j];
        }
        expected[i] = (double)input[i] / pow((double)k + (double)alpha * sum, (double)beta);
        bounds[i] = fabs(expected[i]) * 1e-5 + 1e-37;
    }
    CALL(c, kernel_local_response_norm(input, output, channels, pixels, size, alpha, beta, k, scratch));
    if (!c->is_timing) near(c, output, expected, bounds, count);
}

const check training_checks[] = {
    {"kernel_sgd", sgd}, {"kernel_momentum", momentum}, {"kernel_adagrad", adagrad}, {"kernel_adam", adam},
    {"kernel_moving_average", moving_average}, {"kernel_sum_of_squares", sum_of_squares}, {"kernel_relu_gradient", relu_gradient},
    {"kernel_add", add}, {"kernel_sum_rows", sum_rows}, {"kernel_dropout", dropout},
    {"kernel_local_response_norm", local_response_norm}, {NULL, NULL},
};
