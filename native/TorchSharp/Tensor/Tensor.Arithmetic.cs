using static TorchSharp.Interop.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Sums, products, powers, signs, bits and bounds.</summary>
    public partial class Tensor
    {
        public Tensor abs() => Call("abs", this);
        public Tensor abs_() => InPlace("abs_", this);
        public Tensor absolute() => Call("absolute", this);
        public Tensor absolute_() => InPlace("absolute_", this);
        public Tensor add(Scalar scalar) => Call("add.Scalar", this, scalar);
        public Tensor add(Scalar scalar, Scalar alpha) => Call("add.Scalar", this, scalar, alpha);
        public Tensor add(Tensor target) => Call("add.Tensor", this, target);
        public Tensor add(Tensor target, Scalar alpha) => Call("add.Tensor", this, target, alpha);
        public Tensor add_(Scalar scalar) => InPlace("add_.Scalar", this, scalar);
        public Tensor add_(Scalar scalar, Scalar alpha) => InPlace("add_.Scalar", this, scalar, alpha);
        public Tensor add_(Tensor target) => InPlace("add_.Tensor", this, target);
        public Tensor add_(Tensor target, Scalar alpha) => InPlace("add_.Tensor", this, target, alpha);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => Call("addcdiv", this, tensor1, tensor2);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => Call("addcdiv", this, tensor1, tensor2, value);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => InPlace("addcdiv_", this, tensor1, tensor2);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => InPlace("addcdiv_", this, tensor1, tensor2, value);
        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => Call("addcmul", this, tensor1, tensor2, value);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => InPlace("addcmul_", this, tensor1, tensor2, value);
        public Tensor arctan2(Tensor other) => Call("arctan2", this, other);
        public Tensor arctan2_(Tensor other) => InPlace("arctan2_", this, other);
        public Tensor atan2(Tensor other) => Call("atan2", this, other);
        public Tensor atan2_(Tensor other) => InPlace("atan2_", this, other);
        public Tensor bitwise_and(Tensor other) => Call("bitwise_and.Tensor", this, other);
        public Tensor bitwise_and_(Tensor other) => InPlace("bitwise_and_.Tensor", this, other);
        public Tensor bitwise_left_shift(Tensor other) => Call("bitwise_left_shift.Tensor", this, other);
        public Tensor bitwise_left_shift_(Tensor other) => InPlace("bitwise_left_shift_.Tensor", this, other);
        public Tensor bitwise_not() => Call("bitwise_not", this);
        public Tensor bitwise_not_() => InPlace("bitwise_not_", this);
        public Tensor bitwise_or(Tensor other) => Call("bitwise_or.Tensor", this, other);
        public Tensor bitwise_or_(Tensor other) => InPlace("bitwise_or_.Tensor", this, other);
        public Tensor bitwise_right_shift(Tensor other) => Call("bitwise_right_shift.Tensor", this, other);
        public Tensor bitwise_right_shift_(Tensor other) => InPlace("bitwise_right_shift_.Tensor", this, other);
        public Tensor bitwise_xor(Tensor other) => Call("bitwise_xor.Tensor", this, other);
        public Tensor bitwise_xor_(Tensor other) => InPlace("bitwise_xor_.Tensor", this, other);
        public Tensor clamp(Scalar min = null, Scalar max = null) => Call("clamp", this, min, max);
        public Tensor clamp(Tensor min = null, Tensor max = null) => Call("clamp.Tensor", this, min, max);
        public Tensor clamp_(Scalar min = null, Scalar max = null) => InPlace("clamp_", this, min, max);
        public Tensor clamp_(Tensor min = null, Tensor max = null) => InPlace("clamp_.Tensor", this, min, max);
        public Tensor clamp_max(Scalar max) => Call("clamp_max", this, max);
        public Tensor clamp_max_(Scalar max) => InPlace("clamp_max_", this, max);
        public Tensor clamp_min(Scalar min) => Call("clamp_min", this, min);
        public Tensor clamp_min_(Scalar min) => InPlace("clamp_min_", this, min);
        public Tensor clip(Scalar min = null, Scalar max = null) => Call("clip", this, min, max);
        public Tensor copysign(Tensor other) => Call("copysign.Tensor", this, other);
        public Tensor copysign_(Tensor other) => InPlace("copysign_.Tensor", this, other);

        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            Call("div.Scalar_mode", this, target, Mode(rounding_mode));

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            Call("div.Tensor_mode", this, target, Mode(rounding_mode));

        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            InPlace("div_.Scalar_mode", this, target, Mode(rounding_mode));

        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            InPlace("div_.Tensor_mode", this, target, Mode(rounding_mode));

        public Tensor divide(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            Call("div.Scalar_mode", this, target, Mode(rounding_mode));

        public Tensor divide(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            Call("div.Tensor_mode", this, target, Mode(rounding_mode));

        public Tensor divide_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            InPlace("div_.Scalar_mode", this, target, Mode(rounding_mode));

        public Tensor divide_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            InPlace("div_.Tensor_mode", this, target, Mode(rounding_mode));

        public Tensor float_power(Tensor target) => Call("float_power.Tensor_Tensor", this, target);
        public Tensor float_power_(Tensor target) => InPlace("float_power_.Tensor", this, target);
        public Tensor floor_divide(Scalar other) => Call("floor_divide.Scalar", this, other);
        public Tensor floor_divide(Tensor other) => Call("floor_divide", this, other);
        public Tensor floor_divide_(Scalar other) => InPlace("floor_divide_.Scalar", this, other);
        public Tensor floor_divide_(Tensor other) => InPlace("floor_divide_.Tensor", this, other);
        public Tensor fmod(Scalar scalar) => Call("fmod.Scalar", this, scalar);
        public Tensor fmod(Tensor target) => Call("fmod.Tensor", this, target);
        public Tensor fmod_(Scalar scalar) => InPlace("fmod_.Scalar", this, scalar);
        public Tensor fmod_(Tensor target) => InPlace("fmod_.Tensor", this, target);
        public Tensor gcd(Tensor other) => Call("gcd", this, other);
        public Tensor gcd_(Tensor other) => InPlace("gcd_", this, other);
        public Tensor hypot(Tensor other) => Call("hypot", this, other);
        public Tensor lcm(Tensor other) => Call("lcm", this, other);
        public Tensor lcm_(Tensor other) => InPlace("lcm_", this, other);
        public Tensor ldexp(Tensor other) => Call("ldexp.Tensor", this, other);
        public Tensor ldexp_(Tensor other) => InPlace("ldexp_", this, other);
        public Tensor lerp(Tensor end, Tensor weight) => Call("lerp.Tensor", this, end, weight);
        public Tensor lerp_(Tensor end, Tensor weight) => InPlace("lerp_.Tensor", this, end, weight);
        public Tensor logaddexp(Tensor other) => Call("logaddexp", this, other);
        public Tensor logaddexp2(Tensor other) => Call("logaddexp2", this, other);
        public Tensor mul(Scalar target) => Call("mul.Scalar", this, target);
        public Tensor mul(Tensor target) => Call("mul.Tensor", this, target);
        public Tensor mul_(Scalar target) => InPlace("mul_.Scalar", this, target);
        public Tensor mul_(Tensor target) => InPlace("mul_.Tensor", this, target);
        public Tensor multiply(Scalar target) => Call("mul.Scalar", this, target);
        public Tensor multiply(Tensor target) => Call("mul.Tensor", this, target);
        public Tensor neg() => Call("neg", this);
        public Tensor neg_() => InPlace("neg_", this);
        public Tensor negative() => Call("negative", this);
        public Tensor nextafter(Tensor other) => Call("nextafter", this, other);
        public Tensor nextafter_(Tensor other) => InPlace("nextafter_", this, other);
        public Tensor positive() => Call("positive", this);
        public Tensor pow(Scalar exponent) => Call("pow.Tensor_Scalar", this, exponent);
        public Tensor pow(Tensor exponent) => Call("pow.Tensor_Tensor", this, exponent);
        public Tensor pow_(Scalar exponent) => InPlace("pow_.Scalar", this, exponent);
        public Tensor pow_(Tensor exponent) => InPlace("pow_.Tensor", this, exponent);
        public Tensor reciprocal() => Call("reciprocal", this);
        public Tensor reciprocal_() => InPlace("reciprocal_", this);
        public Tensor remainder(Scalar scalar) => Call("remainder.Scalar", this, scalar);
        public Tensor remainder(Tensor target) => Call("remainder.Tensor", this, target);
        public Tensor remainder_(Scalar scalar) => InPlace("remainder_.Scalar", this, scalar);
        public Tensor remainder_(Tensor target) => InPlace("remainder_.Tensor", this, target);
        public Tensor sgn() => Call("sgn", this);
        public Tensor sgn_() => InPlace("sgn_", this);
        public Tensor sign() => Call("sign", this);
        public Tensor sign_() => InPlace("sign_", this);
        public Tensor signbit() => Call("signbit", this);
        public Tensor square() => Call("square", this);
        public Tensor sub(Scalar target) => Call("sub.Scalar", this, target);
        public Tensor sub(Tensor target) => Call("sub.Tensor", this, target);
        public Tensor sub_(Scalar target) => InPlace("sub_.Scalar", this, target);
        public Tensor sub_(Tensor target) => InPlace("sub_.Tensor", this, target);
        public Tensor subtract(Scalar target) => Call("sub.Scalar", this, target);
        public Tensor subtract(Tensor target) => Call("sub.Tensor", this, target);
        public Tensor subtract_(Scalar target) => InPlace("sub_.Scalar", this, target);
        public Tensor subtract_(Tensor target) => InPlace("sub_.Tensor", this, target);
        public Tensor true_divide(Scalar other) => Call("true_divide.Scalar", this, other);
        public Tensor true_divide(Tensor other) => Call("true_divide.Tensor", this, other);
        public Tensor true_divide_(Scalar other) => InPlace("true_divide_.Scalar", this, other);
        public Tensor true_divide_(Tensor other) => InPlace("true_divide_.Tensor", this, other);
        public Tensor xlogy(Scalar y) => Call("xlogy.Scalar_Other", this, y);
        public Tensor xlogy(Tensor y) => Call("xlogy.Tensor", this, y);
        public Tensor xlogy_(Scalar y) => InPlace("xlogy_.Scalar_Other", this, y);
        public Tensor xlogy_(Tensor y) => InPlace("xlogy_.Tensor", this, y);
    }
}
