// im2row: unfolds the windows of a convolution into the rows of a matrix.

#include "clipped_copy.h"
#include "convolution.h"

void kernel_im2row(const float *image, ptrdiff_t channels, const kernel_window *w, ptrdiff_t first, ptrdiff_t count,
                   float *rows) {
    const ptrdiff_t run = w->kernel_width * channels;
    for (ptrdiff_t position = first; position < first + count; position++) {
        const ptrdiff_t top = position / w->output_width * w->stride_height - w->padding_height;
        const ptrdiff_t left = position % w->output_width * w->stride_width - w->padding_width;
        for (ptrdiff_t y = top; y < top + w->kernel_height; y++, rows += run) {
            if (y < 0 || y >= w->height) {
                memset(rows, 0, (size_t)run * sizeof(float));
                continue;
            }
            const float *source = image + y * w->width * w->pixel_stride;
            if (w->pixel_stride == channels) {
                copy_clipped(source, left * channels, run, w->width * channels, rows);
                continue;
            }
            for (ptrdiff_t i = 0; i < w->kernel_width; i++) {
                const ptrdiff_t x = left + i;
                if (x >= 0 && x < w->width) {
                    memcpy(rows + i * channels, source + x * w->pixel_stride, (size_t)channels * sizeof(float));
                } else {
                    memset(rows + i * channels, 0, (size_t)channels * sizeof(float));
                }
            }
        }
    }
}
