// Encodes PNG by libpng into a growing buffer.

#include "reader.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

typedef struct {
    png_structp library;
    png_infop info;
    uint8_t *bytes;
    size_t count, capacity;
    codec_status status;
    codec_message *message;
} png_writer;

static void on_error(png_structp library, png_const_charp text) {
    png_writer *writer = png_get_error_ptr(library);
    if (writer->status == codec_ok) {
        writer->status = codec_unsupported;
        codec_set_message(writer->message, text);
    }
    png_longjmp(library, 1);
}

static void on_warning(png_structp library, png_const_charp text) { (void)library; (void)text; }

static void on_write(png_structp library, png_bytep bytes, size_t count) {
    png_writer *writer = png_get_io_ptr(library);
    if (count > writer->capacity - writer->count) {
        const size_t wanted = writer->count + count, doubled = 2 * writer->capacity;
        const size_t capacity = wanted > doubled ? wanted : doubled;
        uint8_t *grown = realloc(writer->bytes, capacity);
        if (!grown) {
            writer->status = codec_out_of_memory;
            codec_set_message(writer->message, "there is not enough memory to encode it");
            png_error(library, "no memory");
        }
        writer->bytes = grown;
        writer->capacity = capacity;
    }
    memcpy(writer->bytes + writer->count, bytes, count);
    writer->count += count;
}

static void on_flush(png_structp library) { (void)library; }

static codec_status write_attempt(
    png_writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height, int channel_count) {
    if (setjmp(png_jmpbuf(writer->library))) { return writer->status; }
    png_set_write_fn(writer->library, writer, on_write, on_flush);
    png_set_user_limits(writer->library, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(
        writer->library, writer->info, width, height, 8,
        channel_count == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
        PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writer->library, writer->info);
    for (size_t y = 0; y < height; y++) { png_write_row(writer->library, pixels + y * width * channel_count); }
    png_write_end(writer->library, NULL);
    return codec_ok;
}

codec_status codec_encode_png(
    const uint8_t *pixels, uint32_t width, uint32_t height, int channel_count, uint8_t **bytes, size_t *count,
    codec_message *message) {
    png_writer writer = {.message = message};
    writer.library = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, on_error, on_warning);
    writer.info = writer.library ? png_create_info_struct(writer.library) : NULL;
    codec_status status = codec_out_of_memory;
    if (writer.info) {
        status = write_attempt(&writer, pixels, width, height, channel_count);
    } else {
        codec_set_message(message, "there is not enough memory to encode it");
    }
    png_destroy_write_struct(&writer.library, &writer.info);
    if (status != codec_ok) {
        free(writer.bytes);
        return status;
    }
    *bytes = writer.bytes;
    *count = writer.count;
    return codec_ok;
}

void codec_free(uint8_t *bytes) { free(bytes); }
