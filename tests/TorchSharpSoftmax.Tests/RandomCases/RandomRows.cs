using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Random cases of the operators along a dim, against libtorch's.</summary>
internal static class RandomRows
{
    internal static IEnumerable<RandomFamily> Families => SoftmaxOperator.All.Select(op => new RandomFamily(op.Name, (draw, what) => Compare(draw, what, op)));

    private static void Compare(RandomDraw draw, string what, SoftmaxOperator op)
    {
        var dtype = draw.Dtype();
        int rank = draw.Random.Next(6);
        var shape = new long[rank];
        for (int i = 0, wide = draw.Random.Next(2 * Math.Max(rank, 1)); i < rank; i++)
        {
            shape[i] = draw.OneIn(60) ? 0 : i == wide ? draw.Size(30, 300) : draw.Size(1, 5); // wide in one dim at most, past every vector
        }

        var values = draw.Normal(draw.Of(0.1, 2, 12), dtype, shape);
        draw.Edges(ref values, double.NegativeInfinity, double.PositiveInfinity, double.NaN, -1e4, 88.7, -104, 0);
        var x = draw.Laid(values);
        int dims = Math.Max(1, rank), dim = draw.Random.Next(dims);
        op.Check($"{what} {dtype} {Check.Text(x.shape)} strides {Check.Text(x.stride())}", x, draw.OneIn(2) ? dim - dims : dim, draw.Of(op.Algorithms), draw.Random);
    }
}
