#include "CJPEGWriter.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf failure;
} error_manager;

static void on_error(j_common_ptr library) { longjmp(((error_manager *)library->err)->failure, 1); }

size_t jpeg_writer_write(const uint8_t *pixels, const jpeg_writer_options *options, uint8_t **bytes) {
    struct jpeg_compress_struct library;
    error_manager errors;
    unsigned long count = 0;
    *bytes = NULL;
    library.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = on_error;
    jpeg_create_compress(&library);
    if (setjmp(errors.failure)) {
        jpeg_destroy_compress(&library);
        return 0;
    }
    jpeg_mem_dest(&library, bytes, &count);
    library.image_width = options->width;
    library.image_height = options->height;
    library.input_components = options->channels;
    library.in_color_space = options->channels == 1 ? JCS_GRAYSCALE : options->channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&library);
    jpeg_set_quality(&library, options->quality, TRUE);
    library.comp_info[0].h_samp_factor = options->sampling_across;
    library.comp_info[0].v_samp_factor = options->sampling_down;
    library.arith_code = options->is_arithmetic != 0;
    library.restart_interval = options->restart_interval;
    if (options->is_progressive) { jpeg_simple_progression(&library); }
    jpeg_start_compress(&library, TRUE);
    while (library.next_scanline < library.image_height) {
        JSAMPROW row = (JSAMPROW)pixels + (size_t)library.next_scanline * options->width * (size_t)options->channels;
        jpeg_write_scanlines(&library, &row, 1);
    }
    jpeg_finish_compress(&library);
    jpeg_destroy_compress(&library);
    return count;
}
