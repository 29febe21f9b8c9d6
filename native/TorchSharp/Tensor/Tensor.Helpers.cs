namespace TorchSharp;

public static partial class torch
{
    /// <summary>What the one-line methods of the other files need to say what their operator does not.</summary>
    public partial class Tensor
    {
        private static string Mode(RoundingMode mode) => mode == RoundingMode.None ? null : mode.ToString();

        private static Tensor As(ScalarType? type, Tensor result)
        {
            if (type is null || result.dtype == type) return result;
            using (result) return result.to_type(type.Value);
        }

        private static (Tensor, Tensor) As(ScalarType? type, (Tensor, Tensor) results) => (As(type, results.Item1), As(type, results.Item2));

        private Tensor Moved(Tensor result, bool disposeAfter)
        {
            if (disposeAfter) Dispose();
            return result;
        }

        internal static Tensor With(bool requires_grad, Tensor result) => requires_grad ? result.requires_grad_(true) : result;

        /// <summary>libtorch answers with empty tensors for what was not asked for; TorchSharp with null.</summary>
        private static (Tensor, Tensor, Tensor) Unique((Tensor, Tensor, Tensor) all, bool inverse, bool counts)
        {
            if (!inverse) all.Item2.Dispose();
            if (!counts) all.Item3.Dispose();
            return (all.Item1, inverse ? all.Item2 : null, counts ? all.Item3 : null);
        }
    }
}
