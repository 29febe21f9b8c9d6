using static TorchSharp.Interop.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>What networks apply between layers.</summary>
    public partial class Tensor
    {
        public Tensor celu() => Call("celu", this);
        public Tensor celu(Scalar alpha) => Call("celu", this, alpha);
        public Tensor celu_() => InPlace("celu_", this);
        public Tensor celu_(Scalar alpha) => InPlace("celu_", this, alpha);
        public Tensor elu(Scalar alpha, Scalar scale, Scalar input_scale) => Call("elu", this, alpha, scale, input_scale);
        public Tensor elu(double alpha = 1) => Call("elu", this, alpha);
        public Tensor elu_(Scalar alpha, Scalar scale, Scalar input_scale) => InPlace("elu_", this, alpha, scale, input_scale);

        // TorchSharp 0.107 gives this one a result of its own and leaves the tensor as it was.
        public Tensor elu_(double alpha = 1) => Call("elu", this, alpha);

        public Tensor gelu() => Call("gelu", this);
        public Tensor gelu_() => Call("gelu_", this);
        public Tensor glu(long dim = -1) => Call("glu", this, dim);
        public Tensor hardsigmoid() => Call("hardsigmoid", this);
        public Tensor hardsigmoid_() => InPlace("hardsigmoid_", this);
        public Tensor hardswish() => Call("hardswish", this);
        public Tensor hardswish_() => InPlace("hardswish_", this);
        public Tensor leaky_relu(Scalar negative_slope) => Call("leaky_relu", this, negative_slope);
        public Tensor leaky_relu_(Scalar negative_slope) => InPlace("leaky_relu_", this, negative_slope);
        public Tensor log_sigmoid() => Call("log_sigmoid", this);
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Call("log_softmax.int", this, dim, dtype);
        public Tensor prelu(Tensor target) => Call("prelu", this, target);
        public Tensor relu() => Call("relu", this);
        public Tensor relu_() => InPlace("relu_", this);
        public Tensor relu6() => Call("relu6", this);
        public Tensor relu6_() => InPlace("relu6_", this);
        public Tensor rrelu(double lower = 0.125, double upper = 0.3333333333333333) => Call("rrelu", this, lower, upper);
        public Tensor rrelu_(double lower = 0.125, double upper = 0.3333333333333333) => InPlace("rrelu_", this, lower, upper);
        public Tensor selu() => Call("selu", this);
        public Tensor selu_() => InPlace("selu_", this);
        public Tensor sigmoid() => Call("sigmoid", this);
        public Tensor sigmoid_() => InPlace("sigmoid_", this);
        public Tensor silu() => Call("silu", this);
        public Tensor silu_() => InPlace("silu_", this);
        public Tensor softmax(long dim, ScalarType? dtype = null) => Call("softmax.int", this, dim, dtype);
        public Tensor softplus(double beta = 1, double threshold = 20) => Call("softplus", this, beta, threshold);
        public Tensor tanh() => Call("tanh", this);
        public Tensor tanh_() => InPlace("tanh_", this);
        public Tensor threshold(Scalar threshold, Scalar value) => Call("threshold", this, threshold, value);
        public Tensor threshold_(Scalar threshold, Scalar value) => InPlace("threshold_", this, threshold, value);
    }
}
