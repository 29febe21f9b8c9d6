using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A contiguous tensor as the kernels see it: they work along the middle of (outer, length, inner).</summary>
internal readonly record struct Extents(nint Outer, nint Length, nint Inner)
{
    internal static Extents Of(Tensor x, int dim)
    {
        int dims = (int)x.ndim;
        if (dims == 0)
        {
            return new(1, 1, 1);
        }

        long outer = 1, inner = 1;
        for (int i = 0; i < dim; i++)
        {
            outer *= x.size(i);
        }

        for (int i = dim + 1; i < dims; i++)
        {
            inner *= x.size(i);
        }

        return new((nint)outer, (nint)x.size(dim), (nint)inner);
    }
}
